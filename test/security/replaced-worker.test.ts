import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { connectRaw } from './support/raw-connection.ts'

const crashModule = new URL('../support/crash-on-request.ts', import.meta.url).href

t.test('a worker that takes the place of a dead one knows who was revoked meanwhile', async t => {
  const pki = await createTestPki()
  const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
  const file = path.join(t.testdir({ 'crl.pem': await pki.authority.crl() }), 'crl.pem')
  const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const balancer = await spawnBalancer(
    t,
    pki,
    {
      ca: master.url.replace('localhost', '127.0.0.1'),
      masters: [{ name: 'm1', url: master.url }],
      listen: { workers: 1 },
      tls: { crl: { file, refresh: '1s' } }
    },
    { nodeOptions: ['--import', crashModule] }
  )
  const ask = (identity: typeof gone) =>
    connectAgent(t, pki, balancer.port, identity).ask({ path: '/puppet/v3/node/x' })
  t.equal((await ask(gone)).status, 200)
  await writeFile(file, await pki.authority.crl({ revoked: [gone?.serial ?? ''] }))
  await balancer.line({ msg: 'certificate revocation list is read again' })

  const crasher = await connectRaw(t, pki, balancer.port)
  crasher.send('GET /crash HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await balancer.line({ msg: 'a worker thread is replaced', worker: 0 })

  t.equal((await ask(gone)).status, 403)
  t.equal((await ask(here)).status, 200)
})
