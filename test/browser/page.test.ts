import t from 'tap'
import { FRAME_MS } from '../../src/admin/page/live.ts'
import { maxEventStreams } from '../../src/model/descriptors.ts'
import type { Operate } from '../../src/model/operation.ts'
import type { Overview } from '../../src/model/overview.ts'
import { startScene } from '../admin/scene.ts'
import { openPage, skip, startBrowser, textOf } from './browser.ts'
import { inPage } from './in-page.ts'
import { agent, overviews } from './overviews.ts'

const three = overviews['three masters']

t.test('the status page in a real browser', { skip, timeout: 300_000 }, async t => {
  const browser = await startBrowser(t)

  /** A balancer that shows what the test says by now, and the operations it was asked for. */
  async function setUp(test: typeof t, first: Overview = three, token?: string) {
    const asked: string[] = []
    let view = first
    const operate: Operate = async (name, { action }) => {
      asked.push(`${action} ${name}`)
      return { done: [`${name} is asked to ${action}`], masters: [], warnings: [] }
    }
    const scene = await startScene(test, {
      admin: token === undefined ? {} : { token },
      deps: {
        ...{ overview: () => view, operate },
        async flush(environment) {
          asked.push(`flush ${environment ?? 'all'}`)
          const masters = [
            { name: 'master-0', done: true, cause: null },
            {
              name: 'master-1',
              done: environment !== 'test',
              cause: environment === 'test' ? 'it answered 403' : null
            }
          ]
          return { environment: environment ?? null, done: environment !== 'test', masters }
        },
        async agents({ query, filter, limit }) {
          asked.push(`agents ${query} ${filter} ${limit}`)
          return { total: 40, agents: [agent(`${query}1.example.com`)] }
        }
      }
    })
    return {
      ...{ ...scene, asked },
      show(next: Overview) {
        view = next
        return scene.runtime.advance(FRAME_MS)
      }
    }
  }

  for (const [what, view] of Object.entries(overviews))
    for (const [width, scheme] of [
      [1280, 'light'],
      [360, 'dark']
    ] as const)
      t.test(`${what} at ${width} pixels, ${scheme}: nothing is wider, nothing is refused`, async t => {
        const { origin } = await setUp(t, view)
        const { page, complaints } = await openPage(browser, origin, { width, scheme })
        t.notOk(await page.evaluate(inPage.isTooWide))
        t.equal((await page.$$('.masters tbody tr')).length, view.status.masters.length)
        for (const { name } of view.status.masters.slice(0, 3))
          t.ok((await textOf(page)).includes(name), name)
        t.same(complaints, [])
        await page.close()
      })

  t.test('a master that goes down is seen without a reload, and said in the title', async t => {
    const { origin, show } = await setUp(t)
    const { page, complaints } = await openPage(browser, origin)
    t.match(await page.title(), /^Agents are served by 3 masters/)
    const masters = three.status.masters.map((master, index) =>
      index === 1 ? { ...master, state: 'down' as const, cause: 'ECONNREFUSED' } : master
    )
    await show({ ...three, status: { ...three.status, masters } })
    await page.waitForSelector('tr.trouble')
    t.match(await textOf(page, 'tr.trouble'), /master-1[\s\S]*down[\s\S]*ECONNREFUSED/)
    t.match(await textOf(page, '.concerns'), 'master-1 is down: ECONNREFUSED.')
    t.match(await page.title(), /^⚠ Agents are served, but 1 of 3 masters is out/)
    t.same(complaints, [])
    await page.close()
  })

  t.test('a master is drained by keyboard alone, with the token, and the focus comes back', async t => {
    const { origin, asked } = await setUp(t, three, 'a sécret')
    const { page } = await openPage(browser, origin)
    for (let steps = 0; steps < 20; steps++) {
      await page.keyboard.press('Tab')
      const label = await page.evaluate(inPage.focused)
      if (label === 'drain master-1') break
    }
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog[open]')
    t.match(await textOf(page, 'dialog'), /drain master-1\?[\s\S]*ends the runs it has/)
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog input[type=password]:focus')
    t.same(asked, [], 'nothing happens without the token')
    await page.keyboard.type('wrong')
    await page.keyboard.press('Enter')
    await page.waitForFunction(inPage.isSaid, {}, 'not the admin token')
    await page.$eval('dialog input', inPage.empty)
    await page.type('dialog input', 'a sécret')
    await page.keyboard.press('Enter')
    await page.waitForFunction(inPage.isClosed)
    t.same(asked, ['drain master-1'])
    t.match(await textOf(page, '.notice'), 'master-1 is asked to drain')
    t.equal(await page.evaluate(inPage.focused), 'drain master-1')
    await page.close()
  })

  t.test('the caches of an environment are flushed on all masters, once somebody has said yes', async t => {
    const { origin, asked } = await setUp(t)
    const { page, complaints } = await openPage(browser, origin)
    await page.click('button[aria-label="flush production"]')
    await page.waitForSelector('dialog[open]')
    t.match(await textOf(page, 'dialog'), /flush production\?[\s\S]*reads the code anew/)
    t.same(asked, [])
    await page.click('dialog button.primary')
    await page.waitForFunction(inPage.isClosed)
    t.same(asked, ['flush production'])
    t.match(await textOf(page, '.notice'), 'production is flushed on 2 of 2 masters.')
    await page.click('section[aria-labelledby="code"] > .actions button')
    await page.waitForSelector('dialog[open]')
    await page.click('dialog button.primary')
    await page.waitForFunction(inPage.isClosed)
    t.same(asked.slice(1), ['flush all'])
    t.same(complaints, [])
    await page.close()
  })

  t.test('a master that did not flush is named with its cause', async t => {
    const { origin } = await setUp(t)
    const { page } = await openPage(browser, origin)
    await page.click('button[aria-label="flush test"]')
    await page.waitForSelector('dialog[open]')
    await page.click('dialog button.primary')
    await page.waitForFunction(
      inPage.isSaid,
      {},
      'test is flushed on 1 of 2 masters. master-1: it answered 403.'
    )
    await page.close()
  })

  t.test('agents are found by the beginning of their name and by what they have in common', async t => {
    const { origin, asked, show } = await setUp(t)
    const { page, complaints } = await openPage(browser, origin)
    t.match(
      await textOf(page, 'section[aria-labelledby="agents"]'),
      /19,800 in the last hour[\s\S]*Failing: 17[\s\S]*catalog, 12 runs/
    )
    await page.type('.search input', 'web')
    await page.select('.search select', 'failing')
    await page.keyboard.press('Tab')
    await page.focus('.search input')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.found table')
    t.match(await textOf(page, '.found'), /The first 1 of 40 agents[\s\S]*web1\.example\.com/)
    t.same(asked, ['agents web failing 20'])
    await show(three)
    t.match(await textOf(page, '.found'), 'web1.example.com', 'the next frame leaves it as it is')
    t.equal(await page.$eval('.search input', input => (input as unknown as { value: string }).value), 'web')
    t.same(complaints, [])
    await page.close()
  })

  t.test('the room in each pool is told, and where there is none', async t => {
    const { origin } = await setUp(t)
    const { page } = await openPage(browser, origin)
    const text = await textOf(page, '.capacity tbody')
    for (const part of [
      'room for 4,100 more agents',
      'b: 900',
      '1,200 agents too many',
      'Not known yet: counting began'
    ])
      t.ok(text.includes(part), part)
    t.match(await textOf(page, '.capacity td.bad'), '99 %')
    await page.close()
  })

  t.test('Escape leaves everything as it was', async t => {
    const { origin, asked } = await setUp(t)
    const { page, complaints } = await openPage(browser, origin)
    await page.click('button[aria-label="maint master-2"]')
    await page.waitForSelector('dialog[open]')
    await page.keyboard.press('Escape')
    await page.waitForFunction(inPage.isClosed)
    t.same([asked, complaints], [[], []])
    await page.close()
  })

  t.test('a drain under way is not undone by the next frame, and undrain takes its place', async t => {
    const { origin, asked, show } = await setUp(t)
    const { page } = await openPage(browser, origin)
    await page.click('button[aria-label="drain master-0"]')
    await page.waitForSelector('dialog[open]')
    await show(three)
    await page.click('dialog button.primary')
    await page.waitForFunction(inPage.isClosed)
    t.same(asked, ['drain master-0'])
    const masters = three.status.masters.map((master, index) =>
      index === 0 ? { ...master, mode: 'draining' as const } : master
    )
    await show({ ...three, status: { ...three.status, masters } })
    await page.waitForSelector('button[aria-label="undrain master-0"]')
    t.equal(await page.$('button[aria-label="drain master-0"]'), null)
    await page.close()
  })

  t.test('without JavaScript there is all of it but the buttons', async t => {
    const { origin } = await setUp(t)
    const { page, complaints } = await openPage(browser, origin, { javaScript: false })
    t.equal((await page.$$('.masters tbody tr')).length, 3)
    t.equal((await page.$$('button')).length, 0)
    const text = await textOf(page)
    for (const part of [
      'master-2',
      'in the last full minute',
      'The fullest minute is 0 and 30',
      '2028-06-01'
    ])
      t.ok(text.includes(part), part)
    t.same(complaints, [])
    await page.close()
  })

  t.test('the charts are drawn, and have colours of their own in the dark', async t => {
    const { origin } = await setUp(t)
    const { page, complaints } = await openPage(browser, origin)
    t.equal((await page.$$('.plot canvas')).length, 2)
    const light = await page.$eval('.plot canvas', inPage.pictureOf)
    t.ok(light.length > 2_000)
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }])
    await page.waitForFunction(inPage.isDrawnAnew, {}, light)
    t.equal((await page.$$('.plot canvas')).length, 2)
    t.same(complaints, [])
    await page.close()
  })

  t.test('a balancer that is gone is said, with the time of the last news', async t => {
    const { origin, close } = await setUp(t)
    const { page } = await openPage(browser, origin)
    await close()
    await page.waitForSelector('.away')
    t.match(await textOf(page, '.away'), 'of 12:34:56 UTC')
    await page.close()
  })

  t.test(
    'who comes when all places are taken is told that the page stands still, until there is one',
    async t => {
      const { origin } = await setUp(t)
      const others = await Promise.all(
        Array.from({ length: maxEventStreams }, () => fetch(`${origin}/api/live`))
      )
      const page = await browser.newPage()
      await page.goto(`${origin}/`, { waitUntil: 'load' })
      await page.waitForFunction(inPage.isStill)
      t.match(await textOf(page, '#still'), 'too many look at it already')
      await Promise.all(others.map(({ body }) => body?.cancel()))
      await page.waitForFunction(inPage.isLive)
      t.equal(await textOf(page, '#still'), '')
    }
  )

  t.test('all that 60 masters take over the wire is less than 100 KB', async t => {
    const { origin } = await setUp(t, overviews['sixty masters'])
    const { page, bytes } = await openPage(browser, origin)
    await page.waitForNetworkIdle({ concurrency: 1, idleTime: 200 })
    t.comment(`${bytes()} bytes, the first frame apart`)
    t.ok(bytes() > 20_000 && bytes() < 100_000, `${bytes()} bytes`)
    await page.close()
  })
})
