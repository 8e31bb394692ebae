/**
 * Why a balancer could not enrol, or renew: one or more sentences for a person. `input`: what was asked for is wrong.
 * `impossible`: it could not be done, as far as this machine or the CA goes.
 */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError'
  readonly kind: 'input' | 'impossible'

  constructor(kind: 'input' | 'impossible', message: string) {
    super(message)
    this.kind = kind
  }
}
