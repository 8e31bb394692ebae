import { createHash } from 'node:crypto'
import t from 'tap'
import { type Agent, createEnrolledAgent } from './support/agent.ts'
import { compileMasters } from './support/layout.ts'
import { accessLogOf } from './support/master.ts'
import { askProxy, startProxy } from './support/proxy.ts'

/** With a fair coin in place of a rule, all of them would be found again once in a thousand runs. */
const FILES = 10

t.teardown((await startProxy({ name: 'filebucket' })).end)

const agent = await createEnrolledAgent({ certname: 'hoarder.example.test' })

t.test(
  'what went into the file bucket comes out again, although each master has a bucket of its own',
  async t => {
    for (let i = 0; i < FILES; i++) {
      const content = `contents of file ${i}\n`
      const sum = `sha256/${createHash('sha256').update(content).digest('hex')}`
      t.equal((await askBucket(agent, 'PUT', `${sum}//etc/file-${i}`, content)).status, 200, 'kept')
      t.equal((await askBucket(agent, 'HEAD', sum)).status, 200, 'known')
      t.equal((await askBucket(agent, 'GET', sum)).body, content, 'restored')
    }
  }
)

t.test('both masters have a part of it', async t => {
  for (const master of compileMasters) {
    t.ok(
      accessLogOf(master).some(line => line.includes('PUT /puppet/v3/file_bucket_file/')),
      master.name
    )
  }
})

function askBucket({ ssl }: Agent, method: string, key: string, body?: string) {
  return askProxy(`/puppet/v3/file_bucket_file/${key}?environment=production`, {
    method,
    headers: { accept: 'application/octet-stream', 'content-type': 'application/octet-stream' },
    ...(body === undefined ? {} : { body }),
    as: ssl
  })
}
