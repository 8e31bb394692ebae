import { roomWords } from './capacity-words.js'
import { allCatalogs, failsCatalogs, isFailing, muchFasterPeersMs } from './catalogs.js'
import { count, dayOf, daysBetween, percent, seconds, timeOf } from './format.js'
import { areMostRefused, MANY_LIMITED, MANY_REFUSED } from './refused.js'
import { isTrouble } from './standing.js'

/** @import { Overview } from '../../../model/overview.ts' */
/** @typedef {Pick<Overview, 'at' | 'notReady' | 'status' | 'work' | 'refused'>} Seen */
/** @typedef {{ readonly level: 'bad' | 'warn', readonly text: string, readonly remedy?: string }} Concern */

/** Masters that are named one by one. */
const NAMED = 5
/** From here on somebody should do something about a certificate. */
const SOON_DAYS = 30
const URGENT_DAYS = 7
/** A deployment takes no longer. */
const DEPLOY_MS = 15 * 60_000
/** More would wait than run: the JRubies are too few for what comes. */
const CROWDED = 1

/**
 * What somebody should look at, the worst first: a sentence each, and what to do.
 * @param {Seen} view
 * @returns {readonly Concern[]}
 */
export function concernsOf(view) {
  const all = [
    ...[readiness, pools, masters, ca, refusals, limits, catalogs, slow, crowd, full, code],
    ...[certificates, ownCertificate, revocations, reloads, log]
  ]
  const found = all.flatMap(each => each(view))
  return [...found.filter(({ level }) => level === 'bad'), ...found.filter(({ level }) => level === 'warn')]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function readiness({ notReady }) {
  if (notReady === null) return []
  return [{ level: 'bad', text: `Not ready: ${notReady}.`, remedy: 'Run puppet-lb doctor.' }]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function pools({ notReady, status: { ready, pools: all = [] } }) {
  if (notReady !== null || !ready) return []
  return all
    .filter(({ up }) => up === 0)
    .map(({ name }) => ({
      level: 'bad',
      text: `No master of the pool ${name} is up and in service.`,
      remedy: 'Mend or undrain one, or say otherwise in its routes: its requests go there, else they wait.'
    }))
}

/** @param {Seen} view @returns {readonly Concern[]} */
function masters({ status }) {
  const out = status.masters.filter(isTrouble)
  /** @type {readonly Concern[]} */
  const named = out.slice(0, NAMED).map(({ name, state, cause }) => ({
    level: 'bad',
    text: `${name} is ${state}${cause === null ? '' : `: ${cause}`}.`,
    remedy: remedies[state] ?? 'Look at its log.'
  }))
  if (out.length <= NAMED) return named
  return [...named, { level: 'bad', text: `${out.length - NAMED} more masters are out.` }]
}

/** @type {Readonly<Record<string, string>>} */
const remedies = {
  down: 'See that puppetserver runs there and can be reached. puppet-lb doctor says more.',
  silent: 'It takes connections and says nothing: restart puppetserver there.',
  ejected: 'It fails what others can do: look at its log and its code.'
}

/** @param {Seen} view @returns {readonly Concern[]} */
function ca({ status }) {
  const { state, cause } = status.ca
  if (state === 'up' || state === 'warming' || state === 'unknown') return []
  return [
    {
      level: 'bad',
      text: `The CA is ${state}${cause === null ? '' : `: ${cause}`}.`,
      remedy:
        'See that puppetserver runs there and can be reached. Agents that have a certificate go on, new ones wait.'
    }
  ]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function refusals(view) {
  const { certificates } = view.refused
  if (certificates < MANY_REFUSED) return []
  return [
    {
      level: areMostRefused(view) ? 'bad' : 'warn',
      text: `${count(certificates, 'request')} of the last 10 minutes had a certificate that is refused.`,
      remedy:
        'It is of a CA that tls.ca does not have, or is revoked, or has ended: look for certificate-refused in the log.'
    }
  ]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function limits({ refused }) {
  if (refused.limits < MANY_LIMITED) return []
  return [
    {
      level: 'warn',
      text: `${count(refused.limits, 'connection')} of the last 10 minutes were refused at a limit.`,
      remedy: 'The log says whose, and at which of listen.limits.'
    }
  ]
}

/**
 * Where most catalogs fail everywhere it is no master's fault, and masters are not named one by one.
 * @param {Seen} view @returns {readonly Concern[]}
 */
function catalogs(view) {
  const { status, work } = view
  const named = status.masters.flatMap((master, index) =>
    failsCatalogs(work[index]) ? [{ name: master.name, failedShare: work[index]?.failedShare ?? 0 }] : []
  )
  const one = named.map(({ name, failedShare }) => ({
    level: /** @type {const} */ ('warn'),
    text: `${percent(failedShare)} of the catalogs of ${name} fail.`,
    remedy: 'Where only one master fails, compare its code with the others.'
  }))
  if (!isFailing(view)) return one
  const { catalogs, share } = allCatalogs(view)
  const isEverywhere = work.every(each => each.failedShare === null || each.failedShare >= (share ?? 0) / 2)
  return [
    {
      level: 'bad',
      text: `${percent(share)} of the last ${count(catalogs, 'catalog')} failed.`,
      remedy: isEverywhere
        ? 'All masters fail alike: look at the code that was deployed last, at PuppetDB, and at the log of any master.'
        : 'Look at the log of the masters below.'
    },
    ...(isEverywhere ? [] : one)
  ]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function slow(view) {
  return view.status.masters.flatMap(({ name }, index) => {
    const usual = muchFasterPeersMs(view, index)
    if (usual === undefined) return []
    return [
      {
        level: /** @type {const} */ ('warn'),
        text: `${name} takes ${seconds(view.work[index]?.compile?.p50Ms ?? 0)} for a catalog, others of its pools ${seconds(usual)}.`,
        remedy:
          'Look at its load, its memory and its way to PuppetDB; less weight gives it fewer runs meanwhile.'
      }
    ]
  })
}

/** @param {Seen} view @returns {readonly Concern[]} */
function crowd({ status }) {
  const jrubies = status.masters
    .filter(({ state, mode }) => mode === 'active' && (state === 'up' || state === 'warming'))
    .reduce((sum, { capacity }) => sum + capacity, 0)
  const { catalog } = status.queue
  if (jrubies === 0 || catalog <= jrubies * CROWDED) return []
  return [
    {
      level: 'warn',
      text: `${count(catalog, 'catalog')} wait for ${count(jrubies, 'JRuby', 'JRubies')}.`,
      remedy: 'If that lasts, agents start too much at once, or the masters are too few.'
    }
  ]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function full({ status: { capacity = [] } }) {
  return capacity.flatMap(({ pool, jrubies, utilization, headroomAgents }) => {
    if (headroomAgents === null || headroomAgents >= 0) return []
    return [
      {
        level: 'warn',
        text: `The pool ${pool} is full: ${percent(utilization)} of ${count(jrubies, 'JRuby', 'JRubies')}, ${roomWords(headroomAgents)}.`,
        remedy: 'Give it JRubies or a master, or agents a longer run interval.'
      }
    ]
  })
}

/** @param {Seen} view @returns {readonly Concern[]} */
function code({ at, status }) {
  return (status.code ?? []).flatMap(({ environment, versions, differsSince, masters: served }) => {
    if (differsSince === null || Date.parse(at) - Date.parse(differsSince) < DEPLOY_MS) return []
    return [
      {
        level: 'warn',
        text: `Masters serve ${versions} versions of ${environment} since ${dayOf(differsSince)} ${timeOf(differsSince)} UTC${oddOnes(served)}.`,
        remedy: 'See that the deployment reached all masters, then flush the environment.'
      }
    ]
  })
}

/**
 * Who serves another version than most; nothing where no version is that of most.
 * @param {Seen['status']['code'][number]['masters']} served
 */
function oddOnes(served) {
  const byVersion = Map.groupBy(
    served.filter(({ version }) => version !== null),
    ({ version }) => version
  )
  const [most = [], next = []] = [...byVersion.values()].sort((a, b) => b.length - a.length)
  if (most.length === next.length) return ''
  const odd = [...byVersion.values()].filter(each => each !== most).flat()
  const names = [...new Set(odd.map(({ name }) => name))]
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return names.length === 0 ? '' : `; other than most: ${names.slice(0, NAMED).join(', ')}${more}`
}

/** @param {Seen} view @returns {readonly Concern[]} */
function certificates({ at, status }) {
  return status.certificates.flatMap(({ role, notAfter, source, renewed }) => {
    if (renewed) return []
    const days = daysBetween(at, notAfter)
    // A list that is late has its own sentence below.
    if (days >= SOON_DAYS || (role === 'crl' && days < 0)) return []
    const when = days < 0 ? 'has ended' : days === 0 ? 'ends today' : `ends in ${count(days, 'day')}`
    return [
      {
        level: /** @type {'bad' | 'warn'} */ (days < URGENT_DAYS ? 'bad' : 'warn'),
        ...(role === 'crl'
          ? { text: `The revocation list ${when}.`, remedy: `The CA must give a new one by then: ${source}.` }
          : { text: `The certificate ${role} ${when}.`, remedy: `Renew ${source}.` })
      }
    ]
  })
}

/** @param {Seen} view @returns {readonly Concern[]} */
function ownCertificate({ status: { ownCertificate } }) {
  if (ownCertificate.cause === null) return []
  return [
    {
      level: 'bad',
      text: `The certificate that agents see is ${ownCertificate.state}: ${ownCertificate.cause}.`
    }
  ]
}

/** @param {Seen} view @returns {readonly Concern[]} */
function revocations({ status: { crl } }) {
  if (crl === null) return []
  /** @type {Concern[]} */
  const found = []
  if (crl.late === 'refuse')
    found.push({
      level: 'bad',
      text: 'The revocation list is out of date: the agents of its CA are refused.',
      remedy: 'Bring a current list from the CA.'
    })
  if (crl.late === 'keep')
    found.push({
      level: 'warn',
      text: 'The revocation list is out of date and still in force.',
      remedy: 'Bring a current list from the CA.'
    })
  if (crl.problem !== null)
    found.push({ level: 'warn', text: `The CA gives no revocation list to go by: ${crl.problem}.` })
  return found
}

/** @param {Seen} view @returns {readonly Concern[]} */
function reloads({ status: { reload } }) {
  /** @type {Concern[]} */
  const found = []
  if (!reload.ok)
    found.push({
      level: 'warn',
      text: `The last reload was refused: ${reload.problems[0] ?? 'no reason was given'}.`,
      remedy: 'What was in force before it stays. Run puppet-lb check.'
    })
  if (reload.needsRestart.length > 0)
    found.push({ level: 'warn', text: `Only a restart applies ${reload.needsRestart.join(', ')}.` })
  return found
}

/** @param {Seen} view @returns {readonly Concern[]} */
function log({ status: { log } }) {
  if (!log?.fault) return []
  const lost = log.linesLost > 0 ? `; ${count(log.linesLost, 'line')} lost so far` : ''
  return [
    {
      level: 'warn',
      text: `The log cannot be written or opened anew (${log.fault})${lost}.`,
      remedy:
        'Look at the disk, at the rights on log.file, and at who reads standard output. Serving goes on.'
    }
  ]
}
