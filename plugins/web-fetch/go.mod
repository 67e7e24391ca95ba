module convergio/web-fetch

go 1.24.0

require (
	convergio/pdk v0.0.0
	golang.org/x/net v0.50.0
)

replace convergio/pdk => ../../plugin-sdk/go
