import manifest from '../package.json' with { type: 'json' }

/** What `npm start` gives to Node, for whatever is measured, the reference too. */
export const NODE_FLAGS: readonly string[] = manifest.scripts.start
  .split(' ')
  .filter((word) => word.startsWith('--'))
