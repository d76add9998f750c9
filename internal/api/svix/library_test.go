package svix

import (
	"net/http/httptest"
	"testing"
)

func TestLibraryAtLeastReadsTheVersion(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]bool{
		"svix-libs/2.7.0/python python/3.11": true, "svix-libs/2.10.0/rust": true, "svix-libs/3.0": true, "svix-libs/2.6.2/ruby": false, "svix-libs/1.99.1/go go/go1.26": false,
		"": false, "curl/8.0": false, "svix-libs/": false, "svix-libs/2": false, "svix-libs/x.y": false, "svix-libs/2.": false, "svix-libs/2.-7": false,
		"svix-libs/99999999999999999999.1": false,
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("User-Agent", agent)
		if got := libraryAtLeast(r, 2, 7); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
}
