// Package ui is what pages are made of: the shell with its navigation, the style sheet of design tokens, the components, the scripts that are served with them, and the look that an
// App may give its portal. It renders on the server, so that everything can be read without scripts; nothing comes from elsewhere.
//
// It knows neither sessions nor what the pages are about. Those are in internal/portal.
package ui
