// Package snippets is code that customers copy: how to check the signature of a webhook in their language. Every snippet is a file of its own, and a test runs each against requests that are
// right and requests that are not.
package snippets

import (
	"embed"
	"strings"
)

//go:embed files
var files embed.FS

// Snippet is one of them.
type Snippet struct {
	ID   string // in URLs
	Name string // of the language or framework
	File string // what the file is called where it goes
	file string // in files
}

// All are the snippets, in the order in which they are offered.
var All = []Snippet{
	{"node", "Node.js", "webhooks.mjs", "node.js"},
	{"express", "Express", "webhooks.mjs", "express.js"},
	{"nextjs", "Next.js (TypeScript)", "app/api/webhooks/route.ts", "nextjs.ts"},
	{"worker", "Cloudflare Worker, Deno, Bun", "worker.js", "worker.js"},
	{"lambda", "AWS Lambda", "index.mjs", "lambda.js"},
	{"python", "Python", "webhooks.py", "python.py"},
	{"flask", "Flask", "app.py", "flask.py"},
	{"django", "Django", "urls.py", "django.py"},
	{"fastapi", "FastAPI", "main.py", "fastapi.py"},
	{"go", "Go", "main.go", "go.txt"},
	{"go-package", "Go, with our package", "main.go", "go-package.txt"},
	{"ruby", "Ruby, Rails", "webhooks.rb", "rack.rb"},
	{"php", "PHP", "webhooks.php", "php.php"},
	{"laravel", "Laravel", "routes/api.php", "laravel.php"},
	{"java", "Java, Spring", "Webhooks.java", "Webhooks.java"},
	{"kotlin", "Kotlin, Ktor", "Webhooks.kt", "webhooks.kt"},
	{"csharp", "C#, ASP.NET", "Webhooks.cs", "Webhooks.cs"},
	{"rust", "Rust, axum", "webhooks.rs", "webhooks.rs"},
	{"elixir", "Elixir, Phoenix", "webhooks.ex", "webhooks.ex"},
	{"bash", "Bash, openssl", "webhooks.sh", "webhooks.sh"},
}

// Prefixes are what the names of the three headers may begin with.
var Prefixes = []string{"webhook", "svix"}

// Find is the snippet with the id, or the first.
func Find(id string) Snippet {
	for _, s := range All {
		if s.ID == id {
			return s
		}
	}
	return All[0]
}

// Text is the snippet for headers whose names begin with the prefix.
func (s Snippet) Text(prefix string) string {
	b, err := files.ReadFile("files/" + s.file)
	if err != nil {
		panic(err) // it is part of the program
	}
	text := string(b)
	for _, name := range []string{"id", "timestamp", "signature"} {
		text = strings.ReplaceAll(text, "webhook-"+name, prefix+"-"+name)
		text = strings.ReplaceAll(text, "HTTP_WEBHOOK_"+strings.ToUpper(name), "HTTP_"+strings.ToUpper(prefix+"_"+name))
	}
	return strings.ReplaceAll(text, `WithPrefixes("webhook")`, `WithPrefixes("`+prefix+`")`)
}
