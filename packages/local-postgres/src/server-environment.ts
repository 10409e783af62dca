/**
 * A batch is a message of about a megabyte. By default the C library (glibc, mallopt(3)) returns
 * such memory to the kernel each time, and the kernel zeroes the next allocation page by page.
 * These thresholds keep the memory in the process.
 */
const KEPT_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: `${32 * 1024 * 1024}`,
  MALLOC_TRIM_THRESHOLD_: `${64 * 1024 * 1024}`,
}

/**
 * The environment of PostgreSQL's programs: no PG* variables, which would change their behaviour,
 * and English messages, which this package parses.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { LC_ALL: 'C', TZ: 'UTC', ...KEPT_MEMORY }
  for (const name of ['PATH', 'SystemRoot', 'TEMP', 'LD_LIBRARY_PATH']) {
    const value = process.env[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}
