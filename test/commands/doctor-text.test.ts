import t from 'tap'
import { describeDiagnosis } from '../../src/commands/doctor-text.ts'

t.test('what strangers call themselves steers no terminal in a diagnosis', async t => {
  const evil = '\x1b[2J\x9b\u202e'
  const text = describeDiagnosis({
    ok: false,
    findings: [
      {
        level: 'error',
        check: 'certificate',
        subject: `m1${evil}`,
        message: `it shows CN=${evil}m1`,
        remedy: `Renew${evil} it.`
      }
    ]
  })
  t.equal(text, 'error: m1[2J (certificate)\n  it shows CN=[2Jm1\n  > Renew[2J it.\n\n1 error')
})
