import t from 'tap'
import { authoritiesOf, certificatesOf } from '../../src/pki/authorities.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { disguises } from './disguises.ts'

const authority = await createAuthority()
const certificates = certificatesOf(authority.bundle)

t.test('a bundle holds its certificates in order', async t => {
  t.equal(certificates.length, 2)
  t.equal(certificates.map(String).join(''), authority.bundle)
})

for (const [how, disguise] of Object.entries(disguises)) {
  t.test(`a bundle ${how} is the same bundle`, async t => {
    t.equal(certificatesOf(disguise(authority.bundle)).map(String).join(''), authority.bundle)
  })
}

t.test('a bundle with half a certificate, or a damaged one, is none', async t => {
  t.throws(() => certificatesOf(authority.bundle.slice(0, -40)), /"CERTIFICATE" that is begun and not ended/)
  t.throws(
    () => certificatesOf(authority.bundle.replace(/\n[^-]{20}/, '\n%%%%')),
    /"CERTIFICATE" that is damaged/
  )
  t.throws(() => certificatesOf(authority.bundle.replace(/\n.*\n/, '\nAAAA\n')))
})

t.test('an authority is known by its key', async t => {
  const [first, second] = authoritiesOf(authority.bundle)
  t.not(first?.keyId, second?.keyId)
  t.match(first?.keyId, /^[\w-]{43}$/)
  t.equal(first?.keyId, authoritiesOf(authority.bundle)[0]?.keyId)
})
