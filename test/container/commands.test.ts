import t from 'tap'
import { createMount } from './mount.ts'
import { runToEnd } from './podman.ts'

t.test('without a configuration it says which file is missing and exits with status 1', async t => {
  const { status, stderr } = await runToEnd({})
  t.equal(status, 1)
  t.match(stderr, /\/etc\/puppet-lb\/puppet-lb\.yaml/)
})

t.test('check judges a mounted file and names it as it is called inside', async t => {
  const directory = await createMount(t, { 'site.yaml': 'listen: { prot: 8140 }\n' })
  const { status, stderr } = await runToEnd({
    mounts: { [directory]: '/etc/puppet-lb' },
    command: ['check', '--config', '/etc/puppet-lb/site.yaml']
  })
  t.equal(status, 1)
  t.match(stderr, /^\/etc\/puppet-lb\/site\.yaml:1:\d+ listen\.prot: /m)
})

t.test('the demonstration is not in the image, which says so and exits with status 2', async t => {
  const { status, stdout, stderr } = await runToEnd({ command: ['demo'] })
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(
    stderr,
    /^puppet-lb demo cannot start: .* not part of the container image; use npm start in a checkout\n$/
  )
})
