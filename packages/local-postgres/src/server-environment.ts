/**
 * A batch is a message of a megabyte. By itself the C library (glibc, mallopt(3)) gives such memory
 * back each time, and the kernel fills the next with zeros, page by page: this much is kept.
 */
const KEPT_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: `${32 * 1024 * 1024}`,
  MALLOC_TRIM_THRESHOLD_: `${64 * 1024 * 1024}`,
}

/**
 * What PostgreSQL's programs see of our environment: no PG* variables that would change their
 * behaviour, and English messages, because we read them.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { LC_ALL: 'C', TZ: 'UTC', ...KEPT_MEMORY }
  for (const name of ['PATH', 'SystemRoot', 'TEMP', 'LD_LIBRARY_PATH']) {
    const value = process.env[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}
