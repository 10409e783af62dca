const MAX_NAME_LENGTH = 64

/** A name that the caller chose, shortened and escaped, so that an error can show it. */
export function safeName(name: string): string {
  return name.replaceAll(/[^\w.-]/g, '?').slice(0, MAX_NAME_LENGTH)
}
