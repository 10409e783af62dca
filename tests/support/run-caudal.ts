import { type CliResult, runCli } from '../../cli/test/run-cli.ts'

/** Runs a command on the system of `dataDir`. */
export function runCaudal(dataDir: string, args: readonly string[]): Promise<CliResult> {
  return runCli([...args, '--data', dataDir])
}
