// Package authz decides, as IAM would, whether a call of the simulated services
// is allowed: it reads policy documents, knows which action and which resources
// AWS checks for each call that the wire faces answer, and evaluates the policies
// of the role that calls. It keeps an account of what allowed the calls, so that
// a permission that nothing needed can be named.
//
// What AWS checks is taken from the Service Authorization Reference, and from no
// other code here: a mistake in a policy must not be repeated on this side. What
// could not be confirmed is marked UNVERIFIED.
//
// Of IAM it has identity-based policies of roles and trust policies. There are no
// users, groups, boundaries, session policies, policies of organizations, or
// policies of queues, buses and the like.
package authz
