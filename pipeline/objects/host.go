package objects

// Host is where clients send what they upload: the host of the endpoint, with its port
// where it has one.
func (o BucketOptions) Host() (string, error) {
	endpoint, _, err := o.urls()
	if err != nil {
		return "", err
	}
	return endpoint.Host, nil
}
