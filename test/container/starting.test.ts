import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { createMount } from './mount.ts'
import { startContainer } from './podman.ts'

// The kernel drops a signal to process 1 that has no handler yet: it must have one before it waits for anything.
t.test('told to stop while it waits for the first probe, it exits with status 0 at once', async t => {
  const silent = createServer().listen(0, '127.0.0.1')
  const connected = once(silent, 'connection').then(([socket]) => t.teardown(() => socket.destroy()))
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as { readonly port: number }
  const { server, authority } = await createTestPki()
  const directory = await createMount(t, {
    'server.pem': server.chain,
    'server.key': server.key,
    'ca.pem': authority.bundle,
    'puppet-lb.yaml': `
listen: { host: 127.0.0.1, port: 18320 }
tls: { cert: server.pem, key: server.key, ca: ca.pem }
ca: { url: "http://localhost:${port}" }
masters: [{ name: silent, url: "http://127.0.0.1:${port}" }]
health: { interval: 5m, timeout: 5m }
`
  })
  const container = startContainer(t, 'puppet-lb-test-starting', {
    mounts: { [directory]: '/etc/puppet-lb' },
    env: { PUPPET_LB_ADMIN_PORT: '18321' }
  })
  await Promise.race([connected, container.line(() => false)])
  t.equal(await container.stop(), 0)
})
