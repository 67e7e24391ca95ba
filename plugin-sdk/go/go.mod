module convergio/pdk

go 1.24
