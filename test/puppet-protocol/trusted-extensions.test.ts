import t from 'tap'
import { extensionNames, isOid, nameOfOid, oidOf } from '../../src/puppet/trusted-extensions.ts'

t.test('the short names are those of Puppet, with its numbers', async t => {
  t.equal(extensionNames.length, 30)
  t.equal(oidOf('pp_uuid'), '1.3.6.1.4.1.34380.1.1.1')
  t.equal(oidOf('pp_role'), '1.3.6.1.4.1.34380.1.1.13')
  t.equal(oidOf('pp_datacenter'), '1.3.6.1.4.1.34380.1.1.19')
  t.equal(oidOf('pp_owner'), '1.3.6.1.4.1.34380.1.1.26')
  t.equal(oidOf('pp_cli_auth'), '1.3.6.1.4.1.34380.1.3.39')
  t.equal(oidOf('pp_nothing'), undefined)
  t.equal(nameOfOid('1.3.6.1.4.1.34380.1.3.1'), 'pp_authorization')
})

for (const oid of ['1.3.6.1.4.1.34380.1.2.1', '0.9.2342', '2.999.3', '2.25.123456789012345']) {
  t.test(`${oid} is an OID`, async t => t.ok(isOid(oid)))
}
for (const text of ['1', '1.3', '3.1.2', '1.40.1', '1.3.06.1', '1.3..6', '1.3.6.', 'pp_role', '']) {
  t.test(`${text || 'nothing'} is no OID`, async t => t.notOk(isOid(text)))
}
