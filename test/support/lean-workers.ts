/**
 * Loaded before each test file. tap notes every module that is loaded, in every thread, and reads it once more for that: a
 * fifth of all the processor time of tests that start workers. It wants to know only where coverage is counted.
 */
const { _TAPJS_PROCESSINFO_COVERAGE_: counted } = process.env
if (counted !== '1') Object.assign(process.env, { _TAPJS_PROCESSINFO_EXCLUDE_: '/./' })
