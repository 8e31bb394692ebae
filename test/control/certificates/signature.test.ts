import t from 'tap'
import type { CaAnswer, CaClient } from '../../../src/control/certificates/ca-client.ts'
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
