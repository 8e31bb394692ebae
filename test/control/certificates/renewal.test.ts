import t from 'tap'
import { whyNotRenewed } from '../../../src/control/certificates/renewal.ts'

t.test('a CA that renews nothing is told from one that does not renew this one', async t => {
  const forbidden = 'Forbidden request: /puppet-ca/v1/certificate_renewal (method :post).'
  t.match(whyNotRenewed({ status: 404, text: 'Not Found' }), /^renews no certificates \(.*8\.1 on/)
  t.match(
    whyNotRenewed({ status: 403, text: forbidden }),
    /^renews no certificates: its auth\.conf .*8\.1 on/
  )
  const other = 'Certificate present, but does not match signature'
  t.equal(whyNotRenewed({ status: 403, text: other }), `does not renew the certificate (403: ${other})`)
})
