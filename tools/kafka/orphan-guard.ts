import { spawn } from 'node:child_process'

/** Kills the processes and removes the folder if this process dies without doing so. */
export interface OrphanGuard {
  /** Replaces the list of running processes. */
  watch(pids: readonly number[]): void
  /** Ends the guard; everything is cleaned up. */
  release(): void
}

// Each input line lists the running processes. The end of the input means that the owner has ended.
// An owner that cleaned up sends an empty line last.
const SCRIPT = `
trap '' INT TERM HUP
pids=
while IFS= read -r line; do pids=$line; done
[ -z "$pids" ] && exit
kill -9 $pids 2>/dev/null
[ -n "$1" ] && rm -rf -- "$1"`

/** Starts the guard: a shell that keeps running if this process is killed, even with SIGKILL. */
export function guardOrphans(folder: string | undefined): OrphanGuard {
  const guard = spawn('sh', ['-c', SCRIPT, 'guard', folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  const input = guard.stdin
  // The guard may have ended before the last line is written.
  input.on('error', () => {})
  return {
    watch: (pids) => void input.write(`${pids.join(' ')}\n`),
    release: () => void input.end('\n'),
  }
}
