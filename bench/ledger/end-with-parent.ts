// Preloaded in child processes: they end when their parent ends.
process.once('disconnect', () => process.exit())
