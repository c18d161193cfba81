vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "$origin"; .max_connections = 2000; }
sub vcl_recv { return (hash); }
sub vcl_backend_response { set beresp.ttl = 1d; set beresp.grace = 0s; set beresp.keep = 0s; }
