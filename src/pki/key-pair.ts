import { createPrivateKey, createPublicKey, KeyObject, webcrypto } from 'node:crypto'

/** Key types Puppet makes: `ec` is prime256v1; RSA 4096 is what agents make and takes seconds. */
export type KeyType = 'ec' | 'rsa2048' | 'rsa4096'

/** A key pair in the form the certificate library wants, with the private key as PKCS#8 PEM. */
export interface KeyPair {
  readonly publicKey: webcrypto.CryptoKey
  readonly privateKey: webcrypto.CryptoKey
  readonly pem: string
}

const usages: webcrypto.KeyUsage[] = ['sign', 'verify']
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/** A new key pair; generated off the main thread. */
export async function generateKeyPair(type: KeyType): Promise<KeyPair> {
  const { publicKey, privateKey } = await generate(type)
  const pem = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' })
  return { publicKey, privateKey, pem: String(pem) }
}

/** The key pair of a private key in PEM, EC P-256 or RSA; throws for any other. */
export function importKeyPair(pem: string): KeyPair {
  const secret = createPrivateKey(pem)
  const algorithm = secret.asymmetricKeyType === 'ec' ? ecdsa : rsa
  return {
    publicKey: createPublicKey(secret).toCryptoKey(algorithm, true, ['verify']),
    privateKey: secret.toCryptoKey(algorithm, true, ['sign']),
    pem
  }
}

/** How a key signs: SHA-256 in the scheme of its own type. */
export function signingAlgorithm(key: webcrypto.CryptoKey): { readonly name: string; readonly hash: string } {
  return { name: key.algorithm.name, hash: 'SHA-256' }
}

function generate(type: KeyType): Promise<webcrypto.CryptoKeyPair> {
  if (type === 'ec') return webcrypto.subtle.generateKey(ecdsa, true, usages)
  const modulusLength = type === 'rsa4096' ? 4096 : 2048
  const publicExponent = new Uint8Array([1, 0, 1])
  return webcrypto.subtle.generateKey({ ...rsa, modulusLength, publicExponent }, true, usages)
}
