// Loaded before the scripts of started processes: they end when whoever started them has.
process.once('disconnect', () => process.exit())
