package coslocal

import (
	"encoding/xml"
	"net/http"
)

const allUsers = "http://cam.qcloud.com/groups/global/AllUsers"

type aclXML struct {
	XMLName xml.Name   `xml:"AccessControlPolicy"`
	Owner   ownerXML   `xml:"Owner"`
	Grants  []grantXML `xml:"AccessControlList>Grant"`
}

type ownerXML struct {
	ID          string
	DisplayName string
}

type grantXML struct {
	Grantee    granteeXML
	Permission string
}

type granteeXML struct {
	NS          string `xml:"xmlns:xsi,attr"`
	Type        string `xml:"xsi:type,attr"`
	URI         string `xml:"URI,omitempty"`
	ID          string `xml:"ID,omitempty"`
	DisplayName string `xml:"DisplayName,omitempty"`
}

func (s *Server) owner() ownerXML {
	id := "qcs::cam::uin/" + s.appid + ":uin/" + s.appid
	return ownerXML{ID: id, DisplayName: s.appid}
}

// getACL answers with owner and grants. An object that inherits shows what it inherits
// (COS 436/7744).
func (x *exchange) getACL() error {
	acl, ok := x.disk.effectiveACL(x.key)
	if !ok {
		return noSuchKey()
	}
	const ns = "http://www.w3.org/2001/XMLSchema-instance"
	owner := x.owner()
	doc := aclXML{Owner: owner, Grants: []grantXML{{
		Grantee:    granteeXML{NS: ns, Type: "CanonicalUser", ID: owner.ID, DisplayName: owner.DisplayName},
		Permission: "FULL_CONTROL",
	}}}
	if acl == ACLPublicRead {
		doc.Grants = append(doc.Grants, grantXML{
			Grantee: granteeXML{NS: ns, Type: "Group", URI: allUsers}, Permission: "READ",
		})
	}
	x.w.Header().Set("X-Cos-Acl", acl)
	x.writeXML(http.StatusOK, doc)
	return nil
}

func (x *exchange) putACL() error {
	acl, err := parseACL(x.r.Header.Get("X-Cos-Acl"))
	if err != nil {
		return err
	}
	if x.r.Header.Get("X-Cos-Acl") == "" {
		return invalid("coslocal takes an ACL in the header x-cos-acl only")
	}
	ok, err := x.disk.setACL(x.key, acl)
	switch {
	case err != nil:
		return err
	case !ok:
		return noSuchKey()
	}
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// parseACL reads x-cos-acl; none is ACLDefault.
func parseACL(v string) (string, error) {
	switch v {
	case "":
		return ACLDefault, nil
	case ACLDefault, ACLPrivate, ACLPublicRead:
		return v, nil
	}
	return "", invalid("coslocal knows the ACLs default, private and public-read")
}
