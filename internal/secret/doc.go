// Package secret holds credentials and takes them out of everything that
// leaves the process: journals, recordings, reports, logs and errors. PURE, and
// imports none of our packages, so that the engine, the mock endpoint and the
// judge redact in one way.
//
// A Secret prints as "[redacted]" wherever it is formatted or encoded. A
// Redactor finds secrets in text that others wrote, in every spelling in which
// they travel: percent-encoded (whatever is encoded and how often), with the
// escapes of JSON or of HTML, in base64 at any offset, cut off at either end, and
// broken over lines, by tags, by spaces or by invisible characters.
package secret
