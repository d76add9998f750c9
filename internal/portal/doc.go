// Package portal is the pages: the customers' portal, the operator's dashboard, the play pages, where anybody can see what a webhook sends, and the list of the API's operations. It renders on the server, so that everything can be read without scripts, and serves its own style and scripts; nothing comes from
// elsewhere.
//
// What a bin is and how long it lives is decided in service; the pages show it. Signatures are judged by the public package webhook.
package portal
