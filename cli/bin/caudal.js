#!/usr/bin/env node
// Runs the caudal command with Node 24. An older Node runs this same file again with the copy of
// Node 24 that the npm package `node` installed. The file is plain JavaScript, because an older
// Node cannot run TypeScript.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REQUIRED_MAJOR = 24

function installedNode() {
  const windows = process.platform === 'win32'
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const binary = join(dirname(manifest), 'bin', windows ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}

// Ctrl-C reaches every process of the terminal's foreground group, including the child. A second
// SIGINT would force the child to exit, so signals from a terminal are not forwarded.
function fromTerminal(signal) {
  return (
    signal !== 'SIGTERM' && (process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY)
  )
}

function runWith(binary) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn(binary, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!fromTerminal(signal)) child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`caudal could not start ${binary}: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  // 1 would be an answer of the system: "no".
  process.exit(3)
}

if (Number.parseInt(process.versions.node, 10) >= REQUIRED_MAJOR) {
  if (process.connected) {
    // If the launcher above is killed (kill -9), this process stops too.
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    process.channel.unref()
  }
  // With the compile cache a command starts in a third of the time.
  module.enableCompileCache?.(
    fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url)),
  )
  await import('../src/main.ts')
} else {
  const binary = process.connected ? null : installedNode()
  if (binary) runWith(binary)
  else {
    fail(
      `caudal needs Node ${REQUIRED_MAJOR}, and its own copy is not installed. Run "npm ci" in ` +
        'the repository, with install scripts allowed.',
    )
  }
}
