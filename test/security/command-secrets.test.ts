import { join } from 'node:path'
import t from 'tap'
import { logLevels } from '../../src/model/settings.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const token = 'a-token-of-operators-in-the-environment'
const wrong = 'a-wrong-token-that-somebody-tries-out'
const password = 'a-password-in-a-url'
const keyLine = pki.server.key.split('\n').find(line => line.length > 40 && !line.startsWith('-')) ?? ''
const keyInOneLine = pki.server.key.replaceAll(/-----[^-]*-----|\n/g, '')

/** Slips that put a secret where none belongs; each replaces a group of a file that is right. */
const slips: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'the key itself as tls.key': { tls: { cert: 'server.pem', key: pki.server.key, ca: 'ca.pem' } },
  'the key without its frame as tls.key': { tls: { cert: 'server.pem', key: keyInOneLine, ca: 'ca.pem' } },
  'the key where the certificate belongs': { tls: { cert: 'server.key', key: 'server.key', ca: 'ca.pem' } },
  'a damaged key': { tls: { cert: 'server.pem', key: 'damaged.key', ca: 'ca.pem' } },
  'the key as the CA': { tls: { cert: 'server.pem', key: 'server.key', ca: 'server.key' } },
  'the key as the list': {
    tls: { cert: 'server.pem', key: 'server.key', ca: 'ca.pem', crl: { file: 'server.key' } }
  },
  'the token itself as admin.token': { admin: { token } },
  'the token as the name of its file': { admin: { token: { file: token } } },
  'a password in a URL': { ca: { url: `https://me:${password}@127.0.0.1:8140` } },
  'a password in a URL that is none': {
    masters: [{ name: 'm1', url: `https:/me:${password}@127.0.0.1:8140` }]
  },
  'a password in front of a host': { masters: [{ name: 'm1', url: `me:${password}@127.0.0.1` }] },
  'the key as a name': { masters: [{ name: pki.server.key, url: 'https://127.0.0.1:8140' }] },
  'the key as a key': { [keyInOneLine]: 1 }
}

t.test('a defect that ends the process is told, and nothing that its error carries', async t => {
  const throwing = `process.once('SIGWINCH', () => {
    throw Object.assign(new Error('no good: Bearer ${token}'), { rawPacket: '${password}', key: ${JSON.stringify(pki.server.key)} })
  })`
  const { url } = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const module = join(t.testdir({ 'throwing.mjs': throwing }), 'throwing.mjs')
  const balancer = await spawnBalancer(
    t,
    pki,
    { ca: url, masters: [{ name: 'm1', url }] },
    { nodeOptions: ['--import', module] }
  )
  balancer.process.kill('SIGWINCH')
  t.equal(await balancer.exit, 1)
  t.match(balancer.lines.at(-1), {
    level: 'fatal',
    msg: 'a defect ends this process',
    err: { type: 'Error', message: 'no good: Bearer (left out)' }
  })
  for (const secret of [token, password, keyLine]) t.notOk(balancer.output().includes(secret))
})

t.test('no command and no level of the log tells a token, a key or a password', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'), { tls: pki.server })
  const balancer = await spawnBalancer(
    t,
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    {
      env: { PUPPET_LB_ADMIN_TOKEN: token },
      files: { 'damaged.key': pki.server.key.replace(keyLine, keyLine.slice(1)) }
    }
  )
  const config = ['--config', balancer.file]
  // The file leaves the port to the system.
  const there = ['--admin', `http://127.0.0.1:${balancer.adminPort}`]
  const client = connectAgent(t, pki, balancer.port, await pki.authority.issue({ certname: 'a' }))
  let printed = ''
  async function command(args: readonly string[], expected: number, by = token): Promise<void> {
    const { code, out, err } = await puppetLb(args, { env: { PUPPET_LB_ADMIN_TOKEN: by } })
    t.equal(code, expected, args.join(' '), { out, err })
    printed += out + err
  }

  for (const level of logLevels) {
    await balancer.rewrite({ log: { level } })
    await command(['check', ...config], 0)
    await command(['check', '--against-running', ...config, ...there], 0)
    await command(['reload', ...there], 0)
    await command(['status', ...there], 0)
    await command(['status', '--json', ...there], 0)
    await command(['drain', 'm1', ...there], 0)
    await command(['undrain', 'm1', ...there], 0)
    await command(['why', 'nobody', ...there], 1)
    await command(['reload', ...there], 2, wrong)
    await client.ask({
      path: `/puppet/v3/node/a?token=${wrong}`,
      headers: { authorization: `Bearer ${wrong}`, cookie: wrong }
    })
    for (const authorization of [`Bearer ${wrong}`, `Basic ${btoa(`me:${wrong}`)}`, wrong])
      await fetch(`http://127.0.0.1:${balancer.adminPort}/api/reload?token=${wrong}`, {
        method: 'POST',
        headers: { authorization, 'x-puppet-lb': '1' }
      })
    for (const [slip, groups] of Object.entries(slips)) {
      await balancer.rewrite({ log: { level }, ...groups })
      const env = slip.includes('token') ? {} : { PUPPET_LB_ADMIN_TOKEN: token }
      const { code, out, err } = await puppetLb(['check', ...config], { env })
      t.equal(code, 1, slip, { out, err })
      printed += out + err
      // The variable of the running one wins over what the file says of a token.
      if (!slip.includes('token')) await command(['reload', ...there], 1)
    }
  }

  await balancer.rewrite({ log: { level: 'trace' } })
  await command(['reload', ...there], 0)
  await command(['status', '--admin', `http://me:${password}@127.0.0.1:1`], 2)
  await command(['status', '--admin', `ftp://me:${password}@127.0.0.1`], 1)
  client.close()
  await balancer.rewrite({ log: { level: 'trace' }, admin: { port: balancer.adminPort } })
  const inTheWay = balancer.spawnAnother()
  t.equal(await inTheWay.exit, 2, 'its port is taken')
  const heir = await balancer.another('--takeover')
  t.equal(await balancer.exit, 0)
  heir.process.kill('SIGTERM')
  t.equal(await heir.exit, 0)
  printed += [inTheWay, balancer, heir].map(({ output }) => output()).join('')

  t.match(printed, /reloaded/)
  for (const secret of [token, wrong, password, keyLine, keyLine.slice(1), keyInOneLine.slice(0, 40)]) {
    t.notOk(printed.includes(secret), secret.slice(0, 20))
    t.notOk(printed.includes(btoa(`puppet-lb:${secret}`)), 'as Basic has it')
  }
  t.notMatch(printed, /BEGIN|PRIVATE KEY-----/)
})
