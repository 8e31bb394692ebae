/**
 * Loaded before each test file and each worker thread, by `NODE_OPTIONS` of `.taprc`, because that comes before what tap
 * itself loads there: it notes every module that is loaded, for coverage, and takes as long for it as Node and tap take to
 * start. Where coverage is not counted it is left out. What a test starts does not hear of any of this.
 */
import { registerHooks } from 'node:module'

delete process.env.NODE_OPTIONS
if (process.env._TAPJS_PROCESSINFO_COVERAGE_ !== '1') {
  const hook = registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.endsWith('/@tapjs/processinfo/dist/esm/import.mjs')) return next(specifier, context)
      hook.deregister()
      return { url: 'data:text/javascript,', format: 'module', shortCircuit: true }
    }
  })
  // Node runs what is written, so nothing of ours has a map, and tap's own are not worth reading.
  process.setSourceMapsEnabled(false)
}
