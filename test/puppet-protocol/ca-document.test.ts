import t from 'tap'
import { caDocumentOf, caDocumentTargets } from '../../src/puppet/ca-document.ts'
import { classify } from '../../src/puppet/endpoint.ts'

t.test('the certificates and the lists of the CA are known in all generations of URL', async t => {
  for (const [target, document] of [
    ['/puppet-ca/v1/certificate/ca', 'certificate'],
    ['/puppet-ca/v1/certificate/ca?environment=production', 'certificate'],
    ['/production/certificate/ca', 'certificate'],
    ['/puppet/certificate/ca', 'certificate'],
    ['//puppet-ca//v1/certificate/c%61', 'certificate'],
    ['/puppet-ca/v1/certificate_revocation_list/ca?environment=', 'crl'],
    ['/dev_1/certificate_revocation_list/ca', 'crl']
  ] as const) {
    t.equal(caDocumentOf('GET', target), document, target)
    t.equal(caDocumentOf('HEAD', target), document, `HEAD ${target}`)
    t.equal(classify('GET', target, undefined).action, 'ca', 'and is for the CA')
  }
  for (const kind of ['certificate', 'crl'] as const)
    for (const target of caDocumentTargets[kind]) t.equal(caDocumentOf('GET', target), kind, target)
})

t.test('what is about one agent, changes something or is asked of somebody else is none of them', async t => {
  for (const target of [
    '/puppet-ca/v1/certificate/web-1.example.com',
    '/puppet-ca/v1/certificate/ca/more',
    '/puppet-ca/v1/certificate/ca/',
    '/puppet-ca/v1/certificate/CA',
    '/puppet-ca/v2/certificate/ca',
    '/puppet-ca/v1/certificate_status/ca',
    '/puppet-ca/v1/certificate_revocation_list/other',
    '/production/certificate_request/ca',
    '/puppet/v3/file_content/certificate/ca'
  ])
    t.equal(caDocumentOf('GET', target), undefined, target)
  for (const method of ['PUT', 'POST', 'DELETE'])
    t.equal(caDocumentOf(method, '/puppet-ca/v1/certificate_revocation_list/ca'), undefined, method)
})
