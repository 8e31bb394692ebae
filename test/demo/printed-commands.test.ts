import t from 'tap'
import { commandsOf, startDemo, statusOf, withoutCurl, wordsOf } from './demo-process.ts'

t.test('each command that it prints does what is said, as it stands', { skip: withoutCurl }, async t => {
  const demo = startDemo(t, { port: 0 }, 2)
  await demo.line(/^Ctrl-C ends it/)
  const commands = commandsOf(demo)
  const named = (what: string) => commands.filter(each => each.includes(what))
  const curl = (what: string) => Promise.all(named(what).map(each => statusOf(each, demo.directory)))
  const words = (what: string) => wordsOf(named(what)[0] ?? 'false', demo.directory)
  t.equal(commands.length, 10)

  await demo.line(/^web01\.demo: first run/)
  t.match(await words(' drain '), /master-3 is drained/)
  t.match(await words(' status'), /master-3 .*drained/)
  t.match(await words(' undrain '), /master-3 is up/)
  t.match(await words(' agents'), 'web01.demo')
  t.same(await curl('/metrics'), ['200'])

  const [kill = 'false'] = named('kill')
  await wordsOf(kill, demo.directory)
  await demo.line(/^master-3 is dead/)
  t.same(await curl('/catalog/'), ['200', '403'], 'with a master less')
  await wordsOf(kill, demo.directory)
  await demo.line(/^master-3 comes back/)

  t.same(await curl('-X PUT'), ['204'])
  t.match(await demo.line(/^web01\.demo: refused/), /: it is revoked\. Request /)
  t.same(await curl('-X DELETE'), ['204'])
  await demo.line(/^web01\.demo: first run anew/)
  t.equal(demo.printed.filter(line => /^web01.*refused/.test(line)).length, 1, 'it is told once')
})

t.test(
  'on another address than the usual one its agents run as well, and curl is served there',
  { skip: withoutCurl },
  async t => {
    const demo = startDemo(t, { host: '127.0.0.2', port: 0 })
    await demo.line(/^db01\.demo: first run/)
    const catalogs = commandsOf(demo).filter(
      each => each.includes('https://127.0.0.2:') && each.includes('/catalog/')
    )
    const statuses = await Promise.all(catalogs.map(each => statusOf(each, demo.directory)))
    t.same(statuses, ['200', '403'])
  }
)
