// Package widget is web chat for browsers: the script that sites embed, the page that shows it to operators, and the door that the script talks to. A visitor
// is anonymous and has a signed session, which only pages of the sender's origins can get. What visitors write goes through service.Receive as any push
// does; what is sent to them is read from the store, live, by whichever node they are connected to. The widget knows no server token, and keeps nothing in memory
// that a restart could lose.
package widget
