import t from 'tap'
import { load, minimal, tls } from './fixture.ts'

const files = { file: 'not a directory' }

for (const [what, name, fault] of [
  ['that is there', '.', undefined],
  ['that is to be made', 'some/where', undefined],
  ['that is a file', 'file', '/file is no directory'],
  ['below a file', 'file/some/where', '/file is no directory']
] as const) {
  t.test(`a directory ${what} is worth ${fault ? 'a' : 'no'} warning`, async t => {
    const crl = `crl: { file: crl.pem, directory: ${name} }`
    const yaml = minimal(`state: { directory: ${name} }`).replace(tls, tls.replace(' }', `, ${crl} }`))
    const { warnings } = load(t, yaml, { files })
    const wrong = warnings.filter(text => text.includes('so nothing is kept over a restart'))
    t.same(
      wrong.map(text => text.replace(/^.*?([a-z.]+): is .* but .*(\/file is no directory),.*$/, '$1 $2')),
      fault ? [`tls.crl.directory ${fault}`, `state.directory ${fault}`] : []
    )
  })
}
