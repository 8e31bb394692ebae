import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { guardSignals, untilSignalled } from '../../src/commands/signals.ts'

/**
 * Stands for `puppet-lb COMMAND` where only its signals matter. Told `load` it serves, told `answer` it answers the
 * request it holds, told a number it takes it for the time. It says what it does at a signal.
 */
const say = (word: string) => process.send?.(word)
guardSignals(process.argv[2])

let nowMs = 0
let answer = () => {}
const server = createServer((_request, response) => {
  answer = () => response.end('done')
  say('request')
})

async function serve(): Promise<void> {
  const signalled = untilSignalled(() => nowMs, {
    reload: () => say('reload'),
    stray: sentence => say(sentence)
  })
  server.listen(0, '127.0.0.1', () => say(String((server.address() as AddressInfo).port)))
  await signalled
  say('draining')
}

process.on('message', word => {
  if (word === 'load') void serve()
  else if (word === 'answer') answer()
  else {
    nowMs = Number(word)
    say('time')
  }
})
say('guarded')
