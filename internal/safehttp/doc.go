// Package safehttp owns every request the server makes to somebody else's machine.
//
// It decides which addresses may be dialled ([Guard]), performs small HTTP/1.1 exchanges over a pool of
// its own ([Client.Do]), bounds what an answer may cost in bytes and time, measures where the time went,
// and names each failure with a code and a sentence that may be shown to a customer ([Error]). For code
// that insists on net/http it lends a client behind the same guard ([Client.HTTPClient]).
//
// What a status means, whether to try again later, which headers to sign and how many exchanges may run
// at once is left to the callers.
package safehttp
