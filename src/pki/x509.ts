// The package asks for this polyfill to be loaded before it.
import 'reflect-metadata'

/** `@peculiar/x509`, fit to be loaded: import it from here. */
export * from '@peculiar/x509'
