// A receiver of the HTTP API destination to copy from: Node's standard library
// and nothing else.
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'

const { LISTEN = '127.0.0.1:8443', CERT, KEY, CLIENT_CA, TOKEN } = process.env
const maxBody = 4 << 20 // bytes; ten profiles with 250 named audiences each are about 1 MB
const maxInFlight = 128 // messages at once; with maxBody it bounds the memory, to 512 MB

// --- what a message means ---

const profiles = new Map() // 'namespace id' -> profile, by each of its identities

class NoProfile extends Error {}

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v)
const need = (ok, what) => { if (!ok) throw new NoProfile(what) }
const nameOf = (namespace, id) => JSON.stringify([namespace, id])

// parse reads the three forms of a message: a profile, a list of them, and a
// list in a wrapper. It refuses a body that is not a profile, and accepts
// unknown members.
function parse(message) {
  if (isObject(message) && Array.isArray(message.profiles) && Object.keys(message).length === 1) message = message.profiles
  return (Array.isArray(message) ? message : [message]).map(profileOf)
}

function profileOf(document) {
  need(isObject(document), 'a profile is an object')
  const { identityMap = {}, segmentMembership = {}, ...attributes } = document
  need(isObject(identityMap), 'identityMap is an object')
  need(isObject(segmentMembership), 'segmentMembership is an object')
  const names = []
  for (const [namespace, list] of Object.entries(identityMap)) {
    need(Array.isArray(list) && list.every(isObject), `identityMap.${namespace} is a list of objects`)
    for (const { id } of list) if (typeof id === 'string' && id !== '') names.push(nameOf(namespace, id))
  }
  const entries = []
  for (const [namespace, audiences] of Object.entries(segmentMembership)) {
    need(isObject(audiences), `segmentMembership.${namespace} is an object`)
    for (const [audience, fields] of Object.entries(audiences)) {
      need(isObject(fields), `segmentMembership.${namespace}.${audience} is an object`)
      // existing is in older samples; a status that is unknown is left alone.
      const status = fields.status === 'existing' ? 'realized' : fields.status
      const qualified = moment(fields.lastQualificationTime)
      if (status === 'realized' || status === 'exited') {
        entries.push({ namespace, audience, status, qualified, fields: { ...fields, status } })
      }
    }
  }
  return { names, identityMap, entries, attributes }
}

// moment reads the five published forms of a time, in microseconds: Z, +0000
// or +00:00, and each with a fraction. Date alone would lose half of that.
function moment(text) {
  if (text === undefined) return -Infinity
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|([+-]\d\d):?(\d\d))$/.exec(text)
  const seconds = parts && Date.parse(parts[1] + (parts[4] ? `${parts[4]}:${parts[5]}` : 'Z')) / 1000
  need(Number.isInteger(seconds), `lastQualificationTime ${JSON.stringify(text)} is no time`)
  return seconds * 1e6 + Number((parts[2] ?? '').padEnd(6, '0').slice(0, 6))
}

// after is true where a is of a later state than b. An exit keeps the time of
// the qualification that it ends, so of two at the same time it is the later.
function after(a, b) {
  if (a.qualified !== b.qualified) return a.qualified > b.qualified
  return a.status === 'exited' && b.status !== 'exited'
}

// take stores entries one by one, and says whether none was older than the
// stored one.
function take(profile, entries) {
  let current = true
  for (const entry of entries) {
    const key = JSON.stringify([entry.namespace, entry.audience])
    const stored = profile.entries.get(key)
    if (stored && after(stored, entry)) current = false
    else profile.entries.set(key, entry)
  }
  return current
}

// store keeps a message in memory; yours keeps it where it survives. The same
// twice is as once, and an older one after a newer one changes nothing that
// the newer one said.
function store(message) {
  if (message.names.length === 0) return // nobody to store it for
  const found = [...new Set(message.names.map((name) => profiles.get(name)).filter(Boolean))]
  const profile = found[0] ?? { names: [], entries: new Map() }
  for (const other of found.slice(1)) { // two that turn out to be one person
    take(profile, other.entries.values())
    profile.names.push(...other.names)
  }
  // A message with an entry from before the stored one was made before it. So
  // were its attributes and identities, which have no time of their own.
  if (take(profile, message.entries)) {
    for (const name of profile.names) profiles.delete(name)
    profile.names = message.names
    profile.identityMap = message.identityMap
    profile.attributes = message.attributes
  }
  for (const name of profile.names) profiles.set(name, profile)
}

function documentOf({ attributes, identityMap, entries }) {
  const bare = () => Object.create(null) // names come from outside, and __proto__ is one
  const segmentMembership = bare()
  for (const { namespace, audience, fields } of entries.values()) (segmentMembership[namespace] ??= bare())[audience] = fields
  return { ...attributes, segmentMembership, identityMap }
}

// --- how it is served ---

// admits is true for the bearer token, and for everybody where none is asked
// for. Digests make the time of the comparison tell nothing.
function admits(authorization = '') {
  if (!TOKEN) return true
  const digest = (text, encoding) => createHash('sha256').update(text, encoding).digest()
  const [, token = ''] = /^Bearer (.*)$/i.exec(authorization) ?? []
  return timingSafeEqual(digest(token, 'latin1'), digest(TOKEN)) // Node gives the bytes of a header as latin1
}

function answer(response, status, text = '', headers = {}) {
  response.writeHead(status, { ...(text && { 'Content-Type': 'text/plain' }), 'Content-Length': Buffer.byteLength(text), ...headers })
  response.end(text)
}

let inFlight = 0

async function receive(request, response) {
  // Overload is 429 or 503, which a sender repeats under every policy.
  if (inFlight >= maxInFlight) return answer(response, 503, 'too many messages at once', { 'Retry-After': '5' })
  inFlight++
  try {
    const chunks = []
    let length = 0
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += chunk.length
      if (length > maxBody) {
        request.resume() // a socket closed upon the rest would be a reset instead of the answer
        return answer(response, 413, 'the body is too long')
      }
      chunks.push(chunk)
    }
    let message
    try {
      message = JSON.parse(Buffer.concat(chunks).toString())
    } catch {
      return answer(response, 400, 'the body is not JSON')
    }
    // What is answered with 2xx is never sent again: store first, durably, then
    // answer, and leave everything that takes long for afterwards.
    parse(message).forEach(store)
    answer(response, 204)
  } catch (error) {
    if (!(error instanceof NoProfile)) throw error
    answer(response, 422, error.message)
  } finally {
    inFlight--
  }
}

function route(request, response) {
  // Credentials come first, on every route: nothing is read from a stranger.
  if (!admits(request.headers.authorization)) {
    return answer(response, 401, 'credentials are missing or wrong', { 'WWW-Authenticate': 'Bearer' })
  }
  const path = request.url.split('?')[0] // a destination may add a query
  const state = /^\/state\/([^/]+)$/.exec(path)
  if (path === '/profiles') return request.method === 'POST' ? receive(request, response) : answer(response, 405, '', { Allow: 'POST' })
  if (!state) return answer(response, 404)
  // For the probe, which reads back what was stored.
  const profile = profiles.get(nameOf('ecid', decodeURIComponent(state[1])))
  if (!profile) return answer(response, 404)
  answer(response, 200, JSON.stringify(documentOf(profile)), { 'Content-Type': 'application/json' })
}

const options = {
  maxHeaderSize: 64 << 10, // a destination may add headers; the default is 16 kB
  requestTimeout: 10_000, // the sender gives up after 2 s
  // The sender closes a socket that is idle for 60 s. A server that closes it
  // earlier, as Node does after 5 s by default, may do so just when the next
  // message is on its way.
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
}
if (CERT) {
  Object.assign(options, { cert: readFileSync(CERT), key: readFileSync(KEY), minVersion: 'TLSv1.2' }) // the chain: certificate, then intermediates
}
if (CLIENT_CA) {
  if (!CERT) throw new Error('CLIENT_CA needs CERT and KEY')
  // mTLS-only: requesting a certificate without requiring it would leave TLS
  // enabled, and the sender would present none. The authorities of both of its
  // hierarchies are in that file.
  Object.assign(options, { ca: readFileSync(CLIENT_CA), requestCert: true, rejectUnauthorized: true })
}

async function handle(request, response) {
  try {
    await route(request, response)
  } catch (error) {
    if (request.destroyed) return // the sender gave up
    console.error(error)
    if (!response.headersSent) answer(response, 500)
  }
}
const server = CERT ? https.createServer(options, handle) : http.createServer(options, handle)
const [, host, port] = /^(.*):(\d+)$/.exec(LISTEN)
server.listen({ host, port: Number(port), backlog: 511 }, () => {
  console.log(`listening on ${CERT ? 'https' : 'http'}://${host}:${server.address().port}`)
})
for (const signal of ['SIGINT', 'SIGTERM']) { // what is under way is answered
  process.once(signal, () => { server.close(); server.closeIdleConnections() })
}
