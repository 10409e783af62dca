import type { Options } from './command.ts'

/** What every command takes, in the order of its help. */
export const COMMON_OPTIONS = {
  json: {
    type: 'boolean',
    about: 'print one JSON document on stdout, everything else on stderr',
  },
  data: {
    type: 'string',
    value: 'DIR',
    about: "the system's data directory (default .caudal)",
  },
  url: {
    type: 'string',
    value: 'URL',
    about: "the address of the system's gateway, if not the one in the data directory",
  },
  help: { type: 'boolean', short: 'h', about: 'print the help of a command' },
} as const satisfies Options
