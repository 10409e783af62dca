// `node deploy/check-ready.js PORT`: exit code 0 if the service on the port is ready.
const answer = await fetch(`http://127.0.0.1:${process.argv[2]}/readyz`).catch(() => undefined)
process.exitCode = answer?.ok ? 0 : 1
