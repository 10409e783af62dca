// `node deploy/check-ready.js PORT`: exit code 0 when the service at the port is ready to serve.
const answer = await fetch(`http://127.0.0.1:${process.argv[2]}/readyz`).catch(() => undefined)
process.exitCode = answer?.ok ? 0 : 1
