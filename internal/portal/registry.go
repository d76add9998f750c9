package portal

import (
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Where the areas lie.
const (
	portalRoot    = "/portal"
	dashboardRoot = "/dashboard"
	playRoot      = "/play"
	appRoot       = dashboardRoot + "/apps/{app}" // the things of one App, at the dashboard
)

// area says where a route lies and who may use it. A route may lie in several.
type area uint8

const (
	customer area = 1 << iota // in the portal: whoever was given a link to it
	tenant                    // below an App at the dashboard: the operator, and who bears a key of the App
	operator                  // at the dashboard: the operator alone
	open                      // anybody; the path is the whole one

	// appPages are about the things of one App. They are the same in the portal and at the dashboard: links inside them begin with view.Base.
	appPages = customer | tenant
)

func areaOf(root string) area {
	switch root {
	case portalRoot:
		return customer
	case dashboardRoot:
		return tenant | operator
	}
	return open
}

// route is a row of the registry: one page, or one thing that a page can do.
type route struct {
	in     area
	method string // GET is a page, POST a form
	path   string // below the root of each area; "" is the root itself. Of open routes the whole path.
	name   string // the page's title, and its name in the navigation
	nav    *nav   // its place there; nil: it has none
	tab    string // its name among the views of one endpoint; "": it is none of them
	under  string // path of the page that is current in the navigation while this one is shown; "": its own
	// needs is what a session has to be capable of; 0: to look.
	needs hookswitch.Capabilities
	// admin pages of an App are the operator's alone; they are not in the navigation of others.
	admin  bool
	handle func(*Pages, *view) error
	data   bool // answers programs: errors are JSON
	stream bool // goes on for as long as somebody looks
	signIn bool // is there for who is not signed in

	// samples are the paths that tests look at, with the names of what the demonstration holds in braces: "/endpoints/{endpoint}?view=raw". nil: path as it is,
	// unless it has braces of its own. An empty list leaves the page out.
	samples []string
}

// nav is a place in the navigation: pages stand in the order of the registry.
type nav struct {
	group string
	icon  string
}

// routes are all pages. Each file of pages has its own rows; navigation follows the order here.
var routes = slices.Concat(
	signInRoutes,
	homeRoutes,
	overviewRoutes,
	appsRoutes,
	trafficRoutes,
	failuresRoutes,
	straysRoutes,
	queuesRoutes,
	eventTypesRoutes,
	policiesRoutes,
	auditRoutes,
	operatorAccessRoutes,
	settingsRoutes,
	endpointsRoutes,
	endpointNewRoutes,
	endpointRoutes,
	deliveriesRoutes,
	endpointRecoverRoutes,
	endpointTestingRoutes,
	endpointSigningRoutes,
	endpointSettingsRoutes,
	logsRoutes,
	messageRoutes,
	messageCopyRoutes,
	attemptRoutes,
	catalogueRoutes,
	catalogueFilesRoutes,
	issuesRoutes,
	conversationsRoutes,
	draftsRoutes,
	callsRoutes,
	sendersRoutes,
	channelsRoutes,
	respondersRoutes,
	flowsRoutes,
	templatesRoutes,
	invitationsRoutes,
	phoneRoutes,
	projectWebhookRoutes,
	keysRoutes,
	inviteRoutes,
	activityRoutes,
	accessRoutes,
	viewsRoutes,
	appearanceRoutes,
	customerRoutes,
	playRoutes,
	docsRoutes,
)

type place struct{ root, pattern string }

// places are where a route is served.
func (rt *route) places() (list []place) {
	add := func(a area, root, prefix string) {
		if rt.in&a != 0 {
			list = append(list, place{root, prefix + rt.path})
		}
	}
	add(customer, portalRoot, portalRoot)
	add(tenant, dashboardRoot, appRoot)
	add(operator, dashboardRoot, dashboardRoot)
	if rt.in&open != 0 {
		root := playRoot
		for _, r := range []string{portalRoot, dashboardRoot} {
			if strings.HasPrefix(rt.path, r+"/") {
				root = r
			}
		}
		list = append(list, place{root, rt.path})
	}
	return list
}

// Page is a page that there is, for tests that look at every one of them.
type Page struct {
	Name string
	// Path has the names of things in braces: {app}, {endpoint}, {bin}.
	Path string
	Area string // portal, dashboard or open
}

// Registry lists every page, each state of it that its row names, in every area that it lies in.
func Registry() []Page {
	var list []Page
	for _, rt := range routes {
		if rt.method != "GET" || rt.data || rt.stream {
			continue
		}
		for _, at := range rt.places() {
			samples := rt.samples
			if samples == nil {
				samples = []string{rt.path}
			}
			prefix := strings.TrimSuffix(at.pattern, rt.path)
			for _, s := range samples {
				name := strings.TrimPrefix(at.root, "/")
				if rt.in&open != 0 {
					name = "open"
				}
				list = append(list, Page{Name: rt.name, Path: prefix + s, Area: name})
			}
		}
	}
	return list
}
