import t from 'tap'
import type { CaAnswer, CaClient, CaDocument } from '../../../src/control/certificates/ca-client.ts'
import { lookForSignature } from '../../../src/control/certificates/signature.ts'
import { certificatesOf } from '../../../src/pki/authorities.ts'
import { generateKeyPair } from '../../../src/pki/key-pair.ts'
import { createSigningRequest, publicKeyOf } from '../../../src/pki/signing-request.ts'
import { createCaRegistry } from '../../../src/simulation/ca-registry.ts'
import { createAuthority } from '../../../src/simulation/certificates.ts'

const name = 'lb.example.com'
const settings = {
  name,
  altNames: [],
  caFingerprint: undefined,
  keyType: 'ecdsa',
  directory: '/nowhere'
} as const

t.test('a request that a person signs between two questions is signed, and refused by nobody', async t => {
  const authority = await createAuthority()
  const registry = createCaRegistry(authority, { autosign: false })
  const keys = await generateKeyPair('ec')
  const signingRequest = await createSigningRequest(settings, keys)
  await registry.submit(name, signingRequest)
  const none: CaAnswer = { status: 404, text: '' }
  const client: CaClient = {
    async get(document) {
      const isSigned = registry.request(name) === undefined
      if (document === 'certificate')
        return isSigned ? { status: 200, text: registry.certificate(name) ?? '' } : none
      // Gone, since the certificate was made of it.
      await registry.sign(name)
      return none
    },
    submit: async () => ({ status: 400, text: `${name} already has a signed certificate` }),
    renew: async () => none
  }
  const { state } = await lookForSignature(
    {
      ...{ client, settings, signingRequest, url: 'https://puppetca:8140' },
      expected: { name, publicKey: publicKeyOf(keys), authorities: certificatesOf(authority.bundle) }
    },
    Date.now()
  )
  t.equal(state, 'signed')
})

t.test('a page in place of a certificate, or of a request, is told as what it is', async t => {
  const authority = await createAuthority()
  const keys = await generateKeyPair('ec')
  const none: CaAnswer = { status: 404, text: '' }
  const page: CaAnswer = { status: 200, text: '<html>Sign in</html>', type: 'text/html; charset=utf-8' }
  for (const [document, what] of [
    ['certificate', 'certificate'],
    ['certificate_request', 'certificate request']
  ] as const) {
    const client: CaClient = {
      get: async (asked: CaDocument) => (asked === document ? page : none),
      submit: async () => none,
      renew: async () => page
    }
    const task = {
      ...{ client, settings, signingRequest: '', url: 'https://puppetca:8140' },
      expected: { name, publicKey: publicKeyOf(keys), authorities: certificatesOf(authority.bundle) }
    }
    await t.rejects(lookForSignature(task, Date.now()), {
      message:
        `the CA at https://puppetca:8140 answered with something that is no ${what} (text/html) when it was asked for ` +
        `that of ${name}: it must be a Puppet CA`
    })
  }
})
