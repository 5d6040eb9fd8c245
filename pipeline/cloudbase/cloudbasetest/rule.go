package cloudbasetest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/afterput/afterput/pipeline/cloudapi/cloudapitest"
)

// OwnFolder is the custom rule of the upload guide, the one that a Gateway understands
// besides plain true: who is logged in reads and writes in users/{openid}/.
const OwnFolder = `{"read": "auth != null && resource.openid == auth.openid", "write": "auth != null && resource.openid == auth.openid"}`

// ACL sets the permission of the storage: READONLY (the default), PRIVATE, ADMINWRITE,
// ADMINONLY, or CUSTOM with a rule.
func (g *Gateway) ACL(tag, rule string) { g.do(func() { g.acl, g.custom = tag, rule }) }

// control is the control plane: what asks for the rule.
func (g *Gateway) control() http.Handler {
	return &cloudapitest.Handler{
		Service: "tcb", Version: "2018-06-08", Keys: map[string]string{SecretID: SecretKey},
		Actions: map[string]cloudapitest.Action{"DescribeStorageSafeRule": g.describeRule},
	}
}

func (g *Gateway) describeRule(params json.RawMessage) (any, *cloudapitest.Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var in struct{ EnvID, Bucket string }
	switch {
	case json.Unmarshal(params, &in) != nil || in.EnvID != Env:
		return nil, &cloudapitest.Error{Code: "ResourceNotFound", Message: "the environment does not exist"}
	case g.bucket == nil || in.Bucket != g.bucket.Name:
		return nil, &cloudapitest.Error{Code: "InvalidParameter", Message: "the bucket is not the environment's"}
	}
	return map[string]string{"AclTag": g.acl, "Rule": g.custom}, nil
}

// public tells whether anybody may read an object.
func (g *Gateway) public(string) bool {
	return g.acl == "READONLY" || g.acl == "ADMINWRITE" || (g.acl == "CUSTOM" && strings.Contains(g.custom, `"read": true`))
}

func (g *Gateway) mayRead(by caller, key string) bool {
	return by.owner == "" || g.public(key) || (g.acl != "ADMINONLY" && own(by, key))
}

func (g *Gateway) mayWrite(by caller, key string) bool {
	return by.owner == "" || (g.acl != "ADMINONLY" && g.acl != "ADMINWRITE" && own(by, key))
}

func own(by caller, key string) bool { return strings.HasPrefix(key, "users/"+by.owner+"/") }
