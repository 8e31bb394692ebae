import { once } from 'node:events'
import tls from 'node:tls'
import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

/** The CA signs with RSA, so that what a client can check of the chain does not decide which leaf it gets. */
const pki = await createTestPki({ keyType: 'rsa2048' })
const rsa = await pki.authority.issue({ certname: 'puppet', keyType: 'rsa2048' })
const kinds = {
  ec: { sigalgs: 'ecdsa_secp256r1_sha256:rsa_pkcs1_sha256', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
  rsa: { sigalgs: 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }
}

for (const workers of [0, 2]) {
  t.test(`with ${workers} workers, a client gets the certificate of the kind it can check`, async t => {
    const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
    const files = { certFile: 'x', keyFile: 'x' }
    for (const certificates of [
      [pki.server, rsa],
      [rsa, pki.server]
    ]) {
      const config = testConfig(
        pki,
        { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
        {
          listen: { workers },
          tls: { certificates: certificates.map(({ chain, key }) => ({ ...files, cert: chain, key })) }
        }
      )
      const app = await startBalancer(t, config)
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        for (const [kind, { sigalgs, ciphers }] of Object.entries(kinds)) {
          const socket = tls.connect({
            host: '127.0.0.1',
            port: app.port,
            ca: pki.authority.bundle,
            servername: 'puppet',
            minVersion: version,
            maxVersion: version,
            sigalgs,
            ciphers: version === 'TLSv1.2' ? ciphers : 'TLS_AES_128_GCM_SHA256'
          })
          await once(socket, 'secureConnect')
          t.equal(socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType, kind, `${version} ${kind}`)
          socket.destroy()
        }
      }
    }
  })
}
