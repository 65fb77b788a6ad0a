// Cloudflare's R2 on loopback, for as long as standard input is open. The argument is JSON:
// {"folder": where data lies, "buckets": {name: [access key, secret]}}. Prints the port when ready.
import { Miniflare, convertV4MiniflareOptions } from "miniflare"

const { folder, buckets } = JSON.parse(process.argv[2])
const r2Buckets = Object.fromEntries(
  Object.entries(buckets).map(([id, [accessKeyId, secretAccessKey]], n) => [
    `BUCKET${n}`,
    { id, s3Credentials: { accessKeyId, secretAccessKey } },
  ]),
)
const emulator = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    modules: true,
    compatibilityDate: "2026-10-01",
    script: 'export default { fetch() { return new Response("ok") } }',
    defaultPersistRoot: folder,
    r2Persist: folder,
    r2Buckets,
  }),
)
console.log((await emulator.ready).port)
process.stdin.resume()
process.stdin.on("end", () => emulator.dispose().finally(() => process.exit(0)))
