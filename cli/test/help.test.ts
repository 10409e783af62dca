import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { COMMAND_NAMES, findCommand } from '../src/command-list.ts'
import { helpOfCommand } from '../src/help.ts'
import { runCli } from './run-cli.ts'

test('help lists every command and the exit codes', async () => {
  const { code, stdout, stderr } = await runCli(['--help'])
  assert.deepEqual([code, stderr], [0, ''])
  for (const name of COMMAND_NAMES) assert.match(stdout, new RegExp(`^ {2}caudal ${name}\\b`, 'm'))
  for (const row of [
    /^ {2}0 {2}success$/m,
    /^ {2}1 {2}the answer is no/m,
    /^ {2}3 {2}no answer/m,
  ]) {
    assert.match(stdout, row)
  }
})

test('the help of a command explains each of its arguments and options', async () => {
  for (const name of COMMAND_NAMES) {
    const command = (await findCommand(name))!
    const help = helpOfCommand(name, command)
    for (const [option, { about }] of Object.entries(command.options)) {
      const [word] = about.split(' ')
      assert.match(help, new RegExp(`^ {2}--${option}\\b.*  ${word}`, 'm'), `${name} --${option}`)
      assert.ok(command.usage.includes(`--${option}`), `the usage of ${name} has --${option}`)
    }
    const explained = new Set(command.arguments?.map(([word]) => word.toLowerCase()))
    const named = command.usage.replace(/--[\w-]+ \S+/g, '').match(/\bID\b|\[service…\]/g) ?? []
    for (const word of named) assert.ok(explained.has(word.replace(/\W/g, '').toLowerCase()), name)
    assert.ok(
      help.split('\n').every((line) => line.length <= 100),
      name,
    )
  }
})

test('"help NAME" and "NAME --help" print the same, and an unknown name is wrong usage', async () => {
  const [one, other, none] = await Promise.all([
    runCli(['help', 'verify']),
    runCli(['verify', '--help']),
    runCli(['help', 'nonsense']),
  ])
  assert.match(one.stdout, /^caudal verify: /)
  assert.deepEqual(one, other)
  assert.deepEqual([none.code, none.stdout], [2, ''])
})

test('--version prints the version of the release', async () => {
  const manifest = await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  const [plain, json] = await Promise.all([runCli(['--version']), runCli(['--version', '--json'])])
  assert.deepEqual(plain, { code: 0, stdout: `${version}\n`, stderr: '' })
  assert.deepEqual(JSON.parse(json.stdout), { version })
})
