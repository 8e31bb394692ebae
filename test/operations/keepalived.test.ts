import t from 'tap'
import { textOf } from './deployed-files.ts'

t.test('the address that moves asks /readyz, and may leave a host that cannot serve', async t => {
  const text = textOf('keepalived/keepalived.conf')
  t.match(text, 'http://127.0.0.1:9140/readyz')
  t.match(text, /^ +weight -\d+$/m, 'it counts for less, and not for nothing')
  t.notMatch(text, /^ *nopreempt/m)
})
