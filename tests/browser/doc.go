// Package browser holds the HTML report to its promises in a browser: specs
// alone. They stand apart because the browser's driver takes minutes to compile
// with the race detector.
//
// Decision: the rules of accessibility are our own (rules.js), and check the
// names and roles that the browser itself computes. Reason: the usual engine
// comes by npm alone, and tests need nothing but Go's modules and a browser.
// Cost: it knows fewer rules; those here are the ones that this page could
// break.
package browser
